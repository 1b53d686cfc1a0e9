"""WebRTC: offers in, sound and pictures both ways; all but `desk` and `settings` need the extra `webrtc`."""
