"""Results on their way to an engine: as a stream for check_by_ssh, as passive results, as a file for Prometheus."""
