"""The HTTP API; `api.routes` puts it together."""
