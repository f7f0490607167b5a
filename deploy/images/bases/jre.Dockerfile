# A Java runtime on a Debian root, where no image registry can be reached.
ARG DEBIAN
FROM ${DEBIAN}
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
