# docker build -t filetracker . && docker run -d -p 9999:9999 -v filetracker:/data filetracker

FROM node:24-bookworm AS build
WORKDIR /filetracker
COPY . .
RUN npm ci && npm run build && npm prune --omit=dev && rm -rf test bench docs scripts packages/*/src

FROM node:24-bookworm-slim
COPY --from=build /filetracker /filetracker
RUN useradd --system --uid 10001 --no-create-home filetracker \
 && install --directory --owner filetracker --group filetracker /data \
 && chmod +x /filetracker/packages/cli/dist/bin/*.js \
 && for file in /filetracker/packages/cli/dist/bin/*.js; do ln -s "$file" "/usr/local/bin/$(basename "$file" .js)"; done
USER filetracker
ENV FILETRACKER_DIR=/data
VOLUME /data
EXPOSE 9999
HEALTHCHECK --start-period=10s --timeout=10s CMD ["node", "-e", \
  "fetch('http://127.0.0.1:9999/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Options of the server follow the name of the image: docker run … filetracker --token-file /run/secrets/tokens
ENTRYPOINT ["filetracker-server", "-l", "0.0.0.0"]
