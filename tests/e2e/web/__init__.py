"""The page in a real Chromium, over real hubs and daemons."""
