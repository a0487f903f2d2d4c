"""Routes: each file here is one group. What is marked with `slipway.server.routing.route` is served; there is no list to edit."""
