"""The API for programs: what the shell prints with `--json`, over HTTP, by tokens. It acts through `operations`."""
