"""What an avatar does with sound: stages of a batch, run one after the other or overlapped."""
