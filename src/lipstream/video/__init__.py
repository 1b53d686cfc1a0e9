"""Pictures into files and back: MP4, JPEG, driving clips, colour, face landmarks."""
