"""The daemon: puts the rooms together, starts, reloads, stops. No rule of routing lives here.

`service` is the life of the process, `feature_codes` answers agents without a panel, `notices` tells operators
what they must know, `sd_notify` speaks with systemd, `phone_systems` makes the phone system.
"""

from acd.daemon.feature_codes import FeatureCodes
from acd.daemon.phone_systems import PhoneSystem, PhoneSystemFactory, asterisk
from acd.daemon.service import CannotStart, Daemon

__all__ = ["CannotStart", "Daemon", "FeatureCodes", "PhoneSystem", "PhoneSystemFactory", "asterisk"]
