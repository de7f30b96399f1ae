# Make the committed files in app/web/static, reports/assets/fonts and tests/browser/vendor from node_modules.
# Run by `make assets`, in the project's folder.
set -eu

static=app/web/static
fonts=reports/assets/fonts
vendor=tests/browser/vendor
mkdir -p "$static" "$fonts" "$vendor"

node_modules/.bin/sass --style=compressed --no-source-map --quiet-deps --load-path=node_modules \
  assets/candour.scss "$static/candour.css"
cp assets/candour.js assets/favicon.svg assets/govuk-frontend-licence.txt "$static/"
# without the reference to a source map that is not shipped
sed 's,//# sourceMappingURL=.*,,' node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.js \
  >"$static/govuk-frontend.min.js"
cp node_modules/source-serif/WOFF2/TTF/SourceSerif4-Semibold.ttf.woff2 "$static/source-serif-4-semibold.woff2"

for style in Regular It Semibold; do
  cp "node_modules/source-serif/TTF/SourceSerif4-$style.ttf" "node_modules/source-sans/TTF/SourceSans3-$style.ttf" "$fonts/"
done
cp node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf "$fonts/"
cp node_modules/dejavu-fonts-ttf/LICENSE "$fonts/DejaVu-licence.txt"
cp node_modules/source-serif/LICENSE.md "$fonts/OFL-source-serif.md"
cp node_modules/source-sans/LICENSE.md "$fonts/OFL-source-sans.md"
cp node_modules/source-serif/LICENSE.md "$static/source-serif-4-licence.md"
cp node_modules/axe-core/axe.min.js "$vendor/"
chmod 644 "$fonts"/* "$static"/* "$vendor"/*
