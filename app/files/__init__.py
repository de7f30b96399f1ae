"""Files that people send: the examination before anything is kept, the store by content, the virus scanner."""
