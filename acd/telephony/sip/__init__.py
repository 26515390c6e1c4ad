"""Softphones: real SIP and real audio for tests, the demo, benchmarks and the lab. Never part of the daemon.

`Phone` is the one that everything uses; `second.SecondPhone` is an independent implementation to test it and
Asterisk against. docs/decisions/0001-sip-in-python.md says what they are made of.
"""

from acd.telephony.sip.binding import NotRegistered
from acd.telephony.sip.call import Call, CallRefused, EndedBy, State
from acd.telephony.sip.ear import NotHeard
from acd.telephony.sip.incoming import IncomingCall
from acd.telephony.sip.moment import at
from acd.telephony.sip.outgoing import OutgoingCall
from acd.telephony.sip.phone import Phone
from acd.telephony.sip.watch import Eventually, NothingHappened

__all__ = [
    "Call",
    "CallRefused",
    "EndedBy",
    "Eventually",
    "IncomingCall",
    "NotHeard",
    "NotRegistered",
    "NothingHappened",
    "OutgoingCall",
    "Phone",
    "State",
    "at",
]
