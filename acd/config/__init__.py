"""The configuration file: read, checked, and made into the settings types of each room.

`read_config` gives a `Config` or raises a `ConfigError` that says what is wrong, where, and what is allowed.
`changes` says what the core must be told so that it goes by a configuration, `check_reload` and `check_servers` what it
cannot become.
No setting is decided here: defaults and limits of routing are the router's, this room knows how they are written in
a file.
"""

from acd.config.changes import changes, check_reload, check_servers
from acd.config.errors import ConfigError
from acd.config.reading import read_config
from acd.config.settings import Config, ServerSettings, TelephonySettings

__all__ = [
    "Config",
    "ConfigError",
    "ServerSettings",
    "TelephonySettings",
    "changes",
    "check_reload",
    "check_servers",
    "read_config",
]
