"""What hub, daemon and viewers say to each other. Pure: no sockets, no clocks, no randomness."""
