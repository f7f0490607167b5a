# Node 24 on a Debian root, where no image registry can be reached. Context: the npm packages `node-linux-*` and `npm`
# as node/ and npm/, and what this machine trusts as trusted.crt.
ARG DEBIAN
FROM ${DEBIAN} AS runtime
COPY node/bin/node /usr/local/bin/node

# Only for building: npm, and the machine's certificates for the way to the package registry.
FROM runtime AS build
COPY npm /usr/local/lib/node_modules/npm
COPY trusted.crt /etc/ssl/certs/ca-certificates.crt
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && chmod +x /usr/local/lib/node_modules/npm/bin/npm-cli.js
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
