"""Call distribution for contact centres on Asterisk. docs/architecture.md says what lives in which room."""

__version__ = "0.1.0"
