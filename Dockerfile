# The mock as an image. docs/containers.md says how to run it; in the root of a checkout, this builds it:
#
#   docker build --tag vambe-mock:local .
#   docker build --build-arg EXTRAS=[postgres] --tag vambe-mock:local .     with the driver of PostgreSQL

FROM python:3.13-slim AS build
ARG EXTRAS=
WORKDIR /source
COPY . .
RUN python3 -m venv --without-pip /opt/vambe-mock \
 && python3 -m pip --python /opt/vambe-mock/bin/python3 install --no-cache-dir ".$EXTRAS"

FROM python:3.13-slim
COPY --from=build /opt/vambe-mock /opt/vambe-mock
RUN install --directory --owner 10001 --group 10001 /data
ENV PATH="/opt/vambe-mock/bin:$PATH" \
    VAMBE_MOCK_HOST=0.0.0.0
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 4010
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["vambe-mock", "healthcheck"]
ENTRYPOINT ["vambe-mock"]
