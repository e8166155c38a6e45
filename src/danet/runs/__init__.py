"""The one owner of a run's files: config, record, metrics, network and evaluations, all by type."""
