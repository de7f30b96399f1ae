"""The renderer that forks, with the reports of the benchmark."""

from bench.reports import invented
from reports import pool

if __name__ == "__main__":
    invented.register()
    pool.main()
