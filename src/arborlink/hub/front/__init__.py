"""Between the network and the application: what a peer may cost before it is known."""
