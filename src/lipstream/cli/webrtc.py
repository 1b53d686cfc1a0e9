"""The tree webrtc of a configuration in, how connections are to be out."""

from lipstream.config.server import WebRtc
from lipstream.errors import InputError
from lipstream.serve.webrtc.settings import IceServer, WebRtcSettings


def webrtc_settings(config: WebRtc, drain_s: float) -> WebRtcSettings:
    """Read the password that the tree names a file of; the rest stands in it.

    Args:
        config: the tree.
        drain_s: what runs may take to end.

    Raises:
        InputError: the file cannot be read.
    """
    return WebRtcSettings(
        ice_servers=tuple(_ice_servers(config)),
        public_address=config.public_address,
        codecs=config.codecs,
        bitrate_kbps=config.bitrate_kbps,
        connect_timeout_ms=config.connect_timeout_s * 1000,
        idle_timeout_ms=config.idle_timeout_s * 1000,
        drain_ms=drain_s * 1000,
        max_viewers=config.max_viewers,
        sound_in=frozenset(config.sound_in),
    )


def _ice_servers(config: WebRtc) -> list[IceServer]:
    servers = [] if config.stun_url is None else [IceServer(config.stun_url)]
    if config.turn_url is not None and config.turn_credential_file is not None:
        path = config.turn_credential_file
        try:
            credential = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read ({error}); check the path and its permissions") from error
        servers.append(IceServer(config.turn_url, config.turn_username, credential))
    return servers
