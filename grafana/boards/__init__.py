"""The dashboards of Scout, as Python that makes Grafana's JSON. `grafana/build` writes them."""
