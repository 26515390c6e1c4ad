"""Asterisk over AMI.

`link` keeps a connection; `dialplan` names what config/asterisk/acd.conf and the engine have agreed on;
`server` is one Asterisk server, `adapter` all of them behind the telephony port.
"""
