"""The facts, kept in the order in which they were decided. `port` says what every journal promises."""
