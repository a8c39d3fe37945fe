"""The tapes of a cluster, and the data of each."""
