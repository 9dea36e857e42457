"""What SREs see: metrics, dashboards, rules and the tests of the rules."""
