# The image of a device or a staging server: the wheel of `make wheel` with its extra `serve`, and what they ask for.
# Built from the root of the clone:
#
#   docker build -f infra/images/edge.Dockerfile -t stillhouse-edge:0.2.0 .
FROM python:3.11.15-slim-bookworm AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY LICENSE requirements.lock ./
COPY infra/device infra/device
COPY tasks/kinds tasks/kinds
COPY tasks/runtime tasks/runtime
RUN python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip wheel --no-deps --wheel-dir dist infra/device \
 && /opt/venv/bin/python -m pip install -c requirements.lock "$(echo dist/stillhouse_edge-*.whl)[serve]" \
 && /opt/venv/bin/python -m pip uninstall --yes pip setuptools

FROM python:3.11.15-slim-bookworm
RUN useradd --uid 10001 --user-group --create-home stillhouse \
 && install -d -o 10001 -g 10001 /var/lib/stillhouse-edge
COPY --from=build /opt/venv /opt/venv
COPY --chmod=755 infra/images/follow.sh /usr/local/bin/follow
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 STILLHOUSE_EDGE_HOME=/var/lib/stillhouse-edge \
    ORT_DISABLE_TELEMETRY=1
USER 10001:10001
EXPOSE 8080
CMD ["stillhouse-edge", "serve", "--host", "0.0.0.0"]
