/**
 * A model's file with every field explained. Lines that begin with `#` and no space are fields with their defaults or an example, to be uncommented.
 *
 * @param schemaPath where editors find the JSON Schema
 */
export const modelTemplate = (schemaPath: string): string => `# yaml-language-server: $schema=${schemaPath}
#
# Everything about one model. Make it so:      npx throughline apply model.yaml
# Look first what would change:                npx throughline apply model.yaml --plan
# A second model is a copy of this file with another name and artifact.
# YAML 1.2: only true and false are truth values. The environment is not read: what stands here is what is meant.

throughline: 1                # of this format
name: my-model                # requests name it
# In the registry's policy of the model:
owner: ada@example.org        # person who answers for it
team: my-team                 # team that pays for it
description: what it predicts, and for whom

# ---- The version: what is served. A change of anything here is a new version. Paths start from this folder.
version:
  artifact: model.onnx        # or rules, model.rules.json, which need no features, task, score and entities here
#  signature: model.onnx.sig   # Ed25519: openssl pkeyutl -sign -inkey key.pem -rawin -in model.onnx -out model.onnx.sig
#  reference: reference.parquet  # Parquet, JSON Lines or CSV, a column a feature, and score: drift is measured against it
#  metadata: metadata.json     # any of the fields below, as a training script writes them
#  modelCard: card.md          # Markdown
  features:                   # in the order of the input's columns, or one for each input
    - { name: hour, kind: numeric }
    - { name: distance, kind: numeric }
    # More about a feature: default (instead of refusing), allowNaN, monitored: false (varies by design), and where it is looked up:
    #   from: { view: airport, viewVersion: 1, feature: mean_delay_1h, entityRole: origin, maxAgeSeconds: 3600 }
  task: binary_classification # or regression, other
  score: { output: probability, index: 0, threshold: 0.5 }  # from the threshold on the decision is yes
#  entities: { origin: airport }  # role to entity type
  # How it was made. Without dataset, codeCommit and metrics it serves only by an override on record (--override "reason").
  dataset: { snapshotId: 2001-02, sha256: "0000000000000000000000000000000000000000000000000000000000000000" }
  codeCommit: 4f2a9c1
  metrics: { auc: 0.71 }      # on held-out data; live quality is compared with them
#  hyperparameters: { l2: 1 }
#  environmentSha256: "0000000000000000000000000000000000000000000000000000000000000000"  # of the lock file of the training environment
#  trainer: scikit-learn
#  trainerVersion: "1.7"
#  parentVersion: "1"
#  tags: { stage: trial }
#  golden:                     # inputs that every worker checks after loading; outputs left out are computed once and frozen
#    rows:
#      - { features: { hour: 17, distance: 500 } }
#    absoluteTolerance: 0.00001
#    relativeTolerance: 0.0001

# ---- How it is served, whichever version serves. Without this section it is left as it is.
serving:
  latencyBudgetMs:            # the drift monitor reports what each stage takes of its budget
    queue: 5
    inference: 2
#    transport: 5
#    features: 1
#    preprocess: 0.5
#    postprocess: 0.5
#    publish: 5
  batching: { maxBatchSize: 64, maxDelayMs: 0 }
#  breaker: { failureShare: 0.5, windowSeconds: 10, minCallsPerSecond: 1, openSeconds: 5 }  # when a version that keeps failing is no longer asked
#  fallbacks:                  # what answers when the version cannot, in this order; also { kind: rules, version: 5 }
#    - { kind: last_known_good, maxAgeSeconds: 600 }
#    - { kind: previous_version }
#    - { kind: constant, outputs: { probability: [0.1] } }
#  requestTopics: [prediction.requested.v1.my-model]  # further topics that requests come from

# ---- What is tolerated. The error rate is the maximum of every rollout's guard that has none of its own.
errorRate: { max: 0.01, measuredBy: errors }  # or fallbacks: only answers that a fallback gave
#costCeilingMicroUsd: 50      # of a prediction; npx throughline costs says whether it is kept

# ---- The truth: what an outcome means and what a decision is worth, in millionths of a dollar. Guards of quality and value go by it.
#outcome:
#  expression: value           # how the truth is computed: of value, text, source and delaySeconds
#  positiveFrom: 15            # numeric outcomes from here on are positive
#  maturitySeconds: 86400      # event time after which none is expected any more
#  whenMissing: missing        # or negative
#  valueMicroUsd: { truePositive: 2000000, falsePositive: -500000, trueNegative: 0, falseNegative: -2000000 }
#segments:                    # parts of the traffic in which rollouts watch quality apart
#  - { name: hubs, entityRole: origin, entityIds: [ATL, ORD] }

# ---- Privacy: what the ledger hashes (equal values stay equal; needs LEDGER_HASH_KEY) or omits before it writes anything.
#privacy:
#  features: { distance: hash }  # by name, hash or omit: such answers cannot be recomputed
#  entities: { customer: hash }  # by role
#  routingKey: hash
#  requestId: hash
#  outputs: omit               # all but the score

# ---- How drift and quality are watched. What is left out is as the drift monitor's settings and defaults have it.
#monitoring:
#  windowSeconds: { data: 86400, quality: 86400 }  # event time; a change holds for windows that begin later
#  alarms: [data_drift, prediction_drift, quality]  # the others are judged and reported, but not raised
#  minSamples: { numeric: 300, categorical: 500, auc: 300, calibration: 1000 }  # a window with fewer is judged neither way
#  minEffect: { distance: 0.1, share: 0.05, auc: 0.02, calibration: 0.05 }  # a smaller change is no drift

# ---- How a later version becomes champion: immediate, rollout, or approval (somebody with the role approver moves the alias).
promotion:
  mode: immediate
#  rollout:                    # what is left out is as the strategy has it by default
#    strategy: canary          # or blue_green, shadow, ab
#    steps:
#      - { share: 0.05, minSeconds: 300, minPredictions: 1000, minOutcomes: 0 }
#      - { share: 1 }
#    guards:                   # a breach is a rollback, without a person
#      - { kind: error_rate, maxIncrease: 0.01 }
#      - { kind: fallback_rate, maxIncrease: 0.01 }
#      - { kind: p99_latency, maxRatio: 2 }      # and maxMs
#      - { kind: score_shift, maxDistance: 0.2 }
#      - { kind: quality, loss: squared_error, maxIncrease: 0.01, segments: true }  # or loss: wrong, absolute_error
#      - { kind: business_value, maxLossMicroUsd: 10000 }  # needs outcome.valueMicroUsd
#    falseRollbackRate: 0.05   # chance that all guards together ever roll an equal version back
#    consecutiveBreaches: 2
#    evaluateEverySeconds: 5
#    endsAfterSeconds: 86400
#    atEnd: promote            # or promote_if_better, report
#    allowSignatureChange: false

# ---- When and on what it is retrained. Without this section it is left as it is.
#retraining:
#  enabled: true               # whether alerts and the schedule may start a run
#  minLabels: 1000
#  cooldownSeconds: 21600
#  trigger: { kinds: [quality], minTier: alarm }
#  windowSeconds: 7776000
#  maturitySeconds: 0
#  heldOutFraction: 0.25
#  l2: 1
#  schedule: { cron: "30 3 * * 1", timeZone: Europe/Berlin }  # minute, hour, day of month, month, day of week

# ---- Feature views that it reads. A changed definition is a new version of the view.
#featureViews:
#  - name: airport
#    entityType: airport
#    maxAgeSeconds: 86400
#    features:
#      - { name: mean_delay_1h, event: flight_departed, aggregate: mean, field: delayMinutes, windowSeconds: 3600, default: 0 }
`;

/** The same with every field in it. */
export const withEveryField = (template: string): string => template.split('\n').map((line) => line.replace(/^#(?![ #]|$)/, '')).join('\n').replaceAll(/^# {2}(?= *\S)/gm, '  ');
