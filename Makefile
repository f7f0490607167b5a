# Wardline. `make help` lists the targets. Node 24 is fetched from npm where the machine's own is older.
NODE := bin/node24
.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

install: ## install the npm packages of the lock file, where they are missing
	@bin/install

demo: ## the whole chain once on a sample feed: real broker, registry, four services; ends by itself
	@bin/wardline demo $(ARGS)

up: ## start broker, registry and services and leave them running
	@bin/wardline up $(ARGS)

down: ## stop what `make up` started
	@bin/wardline down $(ARGS)

test: install ## types, style, unit tests, then the chain against the real broker and registry
	@$(NODE) node test/run.ts

images: install ## build the container images (WARDLINE_IMAGE_BASES=debootstrap where no image registry is)
	@$(NODE) node deploy/images/build.ts

chart-files: install ## write topics and users into the Helm chart
	@$(NODE) node deploy/helm/generate.ts

chart-golden: install ## keep what the chart renders now as what it should render
	@UPDATE_GOLDEN=1 $(NODE) npx vitest run --project containers deploy/helm

test-containers: install ## the chain in containers, compose and the chart, with images and tools built here
	@$(NODE) node test/containers/prepare.ts && $(NODE) npx vitest run --project containers

test-fast: install ## the same without the broker
	@$(NODE) node test/run.ts --fast

check: install ## types and style only
	@$(NODE) npx tsc --noEmit && $(NODE) npx tsc --noEmit -p packages/console/browser && $(NODE) npx biome check --error-on-warnings .

format: install ## format the code
	@$(NODE) npx biome check --write .

types: install ## generate TypeScript types from schemas/ and JSON Schemas of policy/
	@$(NODE) node packages/events/generate.ts && $(NODE) node packages/policy/generate-schemas.ts

schemas-land: install ## keep the current schemas as landed versions, where they are compatible
	@$(NODE) node packages/events/landed.ts

test-browser: install ## the console in Debian's Chromium against the running chain
	@$(NODE) npx vitest run --project integration test/browser

console-images: install ## pictures of every page of the console, with the data of a demo, into docs/img
	@$(NODE) node --disable-warning=TimeoutNegativeWarning test/browser/images.ts

chaos: install ## 200 faults under load, then a replay of every stage: nothing lost, nothing twice (half an hour)
	@$(NODE) node --disable-warning=TimeoutNegativeWarning test/faults/run.ts $(ARGS)

chaos-short: install ## the same in five minutes
	@$(NODE) node --disable-warning=TimeoutNegativeWarning test/faults/run.ts --faults 30 $(ARGS)

overload: install ## three times what the chain carries, for five minutes
	@$(NODE) node --disable-warning=TimeoutNegativeWarning test/load/overload.ts $(ARGS)

poison-storm: install ## what records that cannot be decoded cost the good ones between them
	@$(NODE) node --disable-warning=TimeoutNegativeWarning test/load/poison-storm.ts $(ARGS)

restore: install ## how long comment-risk takes to be ready, by the size of its state
	@$(NODE) node --disable-warning=TimeoutNegativeWarning test/load/restore.ts

bench-policy: install ## what a published policy costs a stage when it changes over
	@$(NODE) node test/load/policy-change.ts

fuzz: install ## 100,000 bad inputs to everything that reads what others wrote
	@$(NODE) node test/fuzz/run.ts $(ARGS)

alerts-check: install ## check rules and alerts with promtool: each firing and not firing
	@$(NODE) npx vitest run test/observability/alerts

dashboards: install ## write deploy/grafana/dashboards/*.json from deploy/grafana/dashboards.ts
	@$(NODE) node deploy/grafana/dashboards.ts

prometheus: ## Prometheus beside the local stack of `make up`, on 127.0.0.1:19090, until Ctrl-C
	@command -v prometheus >/dev/null || { echo "prometheus was not found: install it (Debian: apt-get install prometheus)"; exit 1; }
	@prometheus --config.file=deploy/prometheus/prometheus.yml --storage.tsdb.path=.wardline/prometheus \
	  --web.listen-address=127.0.0.1:19090 --enable-feature=exemplar-storage --log.level=warn

story: install ## play one account from first contact to reversal, and write docs/story.md
	@bin/wardline story

contract: install ## write docs/contract.md: each topic with a record as a chain of its own wrote it
	@$(NODE) node --disable-warning=TimeoutNegativeWarning cli/contract.ts

diagram: install ## draw docs/chain.svg from docs/chain.ts
	@$(NODE) node docs/chain.ts

client-package: install ## build the package @wardline/client, as it is published
	@$(NODE) node packages/client/build.ts

audit: install ## advisories on the packages in use, held against deploy/security/dependencies.yaml
	@$(NODE) node test/supply-chain/audit.ts

sbom: install ## list the packages in use as CycloneDX
	@$(NODE) node test/supply-chain/sbom.ts

reliability-table: install ## put the newest chaos, overload, poison-storm and fuzz reports into docs/reliability.md
	@$(NODE) node test/reliability/table.ts

eval-acting: install ## what the shipped policy takes for harm, of harmless and of harmful texts (DATA=folder of the data sets)
	@$(NODE) node --max-old-space-size=4096 evaluation/acting/run.ts

eval-risk: install ## conversations and pile-ons against two baselines, end to end (DATA=folder of the data sets)
	@$(NODE) node evaluation/risk/run.ts $(ARGS)

fit-risk: install ## fit the weights of policy/risk.yaml and policy/tones.yaml again (DATA=folder of the data sets)
	@$(NODE) node evaluation/risk/fit.ts

bench: bench-throughput bench-latency bench-scale bench-skew ## everything that docs/performance.md says of the chain and its peers (about 20 minutes)

bench-throughput: install ## preloaded events through the chain, the Kafka Streams peer and the pass-through floor, in turns (8 minutes)
	@$(NODE) node --disable-warning=TimeoutNegativeWarning bench/throughput/run.ts --only wardline,streams-memory,streams-rocksdb,pass-kafkajs,pass-kafkajs-transactional,pass-platformatic --warm-up 40000 --events 50000 $(ARGS)

bench-flames: install ## flame graphs of the four services under load, for docs/performance.md (1 minute)
	@rm -rf .wardline/profiles
	@$(NODE) node --disable-warning=TimeoutNegativeWarning bench/throughput/run.ts --warm-up 40000 --events 60000 --rounds 1 --profile "$(CURDIR)/.wardline/profiles" $(ARGS)
	@$(NODE) node bench/profile/flame-graph.ts

bench-latency: install ## age of decisions at 20, 50 and 80 % of what was measured, chain and peer (4 minutes)
	@$(NODE) node --disable-warning=TimeoutNegativeWarning bench/latency/run.ts $(ARGS)

bench-scale: install ## what an event costs as partitions, instances, event size and known pairs grow (9 minutes)
	@$(NODE) node --disable-warning=TimeoutNegativeWarning --max-old-space-size=8000 bench/scale/run.ts $(ARGS)

bench-skew: install ## how uneven partitions become under Zipf activity
	@$(NODE) node bench/capacity/skew.ts $(ARGS)

bench-smoke: install ## what the chain costs against the pass-through floor; fails above a ratio (under a minute)
	@$(NODE) node --disable-warning=TimeoutNegativeWarning bench/smoke/run.ts

bench-stages: install ## what an event costs in each stage's logic, and what an entry of its state takes
	@$(NODE) node --expose-gc bench/stages/run.ts $(ARGS)

bench-risk: install ## state of a million pairs: size and restore; distinct counts by error and bytes
	@$(NODE) node --disable-warning=TimeoutNegativeWarning --expose-gc --max-old-space-size=6000 bench/stages/pairs.ts $(ARGS)

bench-metrics: install ## what metrics cost a stage: the same work with and without them, as a share of the running service
	@$(NODE) node --disable-warning=TimeoutNegativeWarning bench/metrics/cost.ts $(ARGS)

bench-console: install ## how long each page of the console takes with 50,000 decisions in its store
	@$(NODE) node --disable-warning=TimeoutNegativeWarning bench/console/run.ts $(ARGS)

bench-classify: install ## what a text costs by length, hostile text, and the same terms in other matchers
	@$(NODE) node bench/classify/cost.ts

DATA ?= ../shared/data

train: install ## train the models of both profiles from the data sets in DATA and what is written in training
	@$(NODE) node --max-old-space-size=12288 training/train.ts --data "$(DATA)" $(ARGS)

eval: install ## lexicon, model, both and a plain baseline on the dev splits in DATA; writes the table of docs/detection.md
	@$(NODE) node --max-old-space-size=8192 training/evaluate.ts --data "$(DATA)" $(ARGS)
