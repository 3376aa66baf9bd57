# The image of a team's servers and workers, with the clone in /srv/stillhouse. Built from the root of the clone:
#
#   docker build -f infra/images/stillhouse.Dockerfile -t stillhouse:0.2.0 --build-arg PIP_EXTRA_INDEX_URL=... .
#
# PIP_EXTRA_INDEX_URL is PyTorch's index of builds for the CPU (its installation page has the address). Without it, pip
# may take a build with gigabytes for GPUs, and the build stops; TORCH=any lets it pass.
FROM python:3.11.15-slim-bookworm AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG TORCH=cpu
# Add dask or ray to sweep on a cluster, and optuna to search.
ARG EXTRAS=postgresql,s3,otel
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/stillhouse
COPY pyproject.toml requirements.lock README.md LICENSE ./
# Only what it needs and its commands: the clone comes in the last stage, since it changes more often (see PYTHONPATH).
RUN mkdir cli flows infra params tasks \
 && python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install -c requirements.lock -e ".[$EXTRAS]"
RUN test "$TORCH" = any \
 || /opt/venv/bin/python -c 'import sys, torch; sys.exit(torch.version.cuda and "torch: expected a build for the CPU, got one for CUDA; give PIP_EXTRA_INDEX_URL")'

FROM python:3.11.15-slim-bookworm
# git: the commit is in each release. jemalloc: each step of a training frees the memory that the next one needs; glibc
# gives large pieces back to the kernel at once, which clears every page again, and jemalloc keeps them for ten seconds.
# Versions are Debian's of that day.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends git libjemalloc2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --create-home stillhouse \
 && install -d -o 10001 -g 10001 /srv/stillhouse /srv/channel
COPY --from=build /opt/venv /opt/venv
COPY --chown=10001:10001 . /srv/stillhouse
# The last five are for what is typed in a container as well, such as `mlflow` and `prefect`.
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/srv/stillhouse PYTHONUNBUFFERED=1 LD_PRELOAD=libjemalloc.so.2 \
    ORT_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DVC_NO_ANALYTICS=true
WORKDIR /srv/stillhouse
USER 10001:10001
# A new volume takes its owner from the folder it covers.
RUN mkdir -p .stillhouse data .dvc/cache
EXPOSE 4200 5000 8000 8080
# No entrypoint: Prefect's Docker and Kubernetes pools put their own command here.
CMD ["python", "-m", "infra.services.run", "worker"]
