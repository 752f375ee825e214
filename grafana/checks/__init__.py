"""What `grafana/lint` looks at: queries, dashboards, and the names they may use."""
