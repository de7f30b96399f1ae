"""Every write: one verb, one transaction, one event. Operations ask policy and the domain, and never commit."""
