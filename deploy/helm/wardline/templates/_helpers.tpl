{{- define "wardline.name" -}}
{{- printf "%s-%s" .Release.Name .stage | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wardline.selector" -}}
app.kubernetes.io/name: wardline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "wardline.labels" -}}
{{ include "wardline.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "wardline.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary .Release.Name "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "wardline.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Most replicas of a stage: one a partition. More than that is refused, not cut: somebody expects it to help. */}}
{{- define "wardline.maxReplicas" -}}
{{- $replicas := (index .Values.stages .stage).replicas -}}
{{- $max := $replicas.max | default .Values.partitions | int -}}
{{- if gt $max (int .Values.partitions) -}}
{{- fail (printf "stages.%s.replicas.max is %d and there are %v partitions: replicas beyond the partitions would be idle" .stage $max .Values.partitions) -}}
{{- end -}}
{{- if gt (int $replicas.min) $max -}}
{{- fail (printf "stages.%s.replicas.min is %v, above the most that can work, %d" .stage $replicas.min $max) -}}
{{- end -}}
{{- $max -}}
{{- end -}}

{{/* How a container of ours reaches broker and registry, with the login of `user`. */}}
{{- define "wardline.connectionEnv" -}}
- name: WARDLINE_BROKERS
  value: {{ required "kafka.brokers is missing: give the brokers as [host:port, …]" (join "," .Values.kafka.brokers) | quote }}
- name: WARDLINE_REGISTRY_URL
  value: {{ required "registry.url is missing: give the address of the schema registry's Confluent-compatible API" .Values.registry.url | quote }}
{{- if .Values.registry.username }}
- name: WARDLINE_REGISTRY_USERNAME
  value: {{ .Values.registry.username | quote }}
- name: WARDLINE_REGISTRY_PASSWORD_FILE
  value: /run/secrets/registry/password
{{- end }}
- name: WARDLINE_TLS
  value: {{ .Values.kafka.tls.enabled | quote }}
{{- if .Values.kafka.tls.enabled }}
{{- if .Values.kafka.tls.ca.secret }}
- name: WARDLINE_TLS_CA_FILE
  value: /run/secrets/kafka-ca/ca.crt
{{- end }}
{{- if .Values.kafka.tls.client.secret }}
- name: WARDLINE_TLS_CERT_FILE
  value: /run/secrets/kafka-client/tls.crt
- name: WARDLINE_TLS_KEY_FILE
  value: /run/secrets/kafka-client/tls.key
{{- end }}
{{- end }}
{{- if .Values.kafka.sasl.mechanism }}
- name: WARDLINE_SASL_MECHANISM
  value: {{ .Values.kafka.sasl.mechanism }}
- name: WARDLINE_SASL_USERNAME
  value: {{ .user.name | quote }}
- name: WARDLINE_SASL_PASSWORD_FILE
  value: /run/secrets/kafka-user/password
{{- end }}
{{- end -}}

{{/* Secrets as files, by reference: name, folder, then key and file in turn. */}}
{{- define "wardline.secrets" -}}
{{- $list := list -}}
{{- if .Values.kafka.sasl.mechanism -}}
{{- $list = append $list (list "kafka-user" .user.secret (dict .user.key "password")) -}}
{{- end -}}
{{- if and .Values.kafka.tls.enabled .Values.kafka.tls.ca.secret -}}
{{- $list = append $list (list "kafka-ca" .Values.kafka.tls.ca.secret (dict .Values.kafka.tls.ca.key "ca.crt")) -}}
{{- end -}}
{{- with .Values.kafka.tls.client -}}
{{- if and $.Values.kafka.tls.enabled .secret -}}
{{- $list = append $list (list "kafka-client" .secret (dict .cert "tls.crt" .key "tls.key")) -}}
{{- end -}}
{{- end -}}
{{- if .Values.registry.username -}}
{{- $secret := required "registry.password.secret is missing: name the secret of registry.username" .Values.registry.password.secret -}}
{{- $list = append $list (list "registry" $secret (dict .Values.registry.password.key "password")) -}}
{{- end -}}
{{- if and .withMetrics .Values.metrics.token.secret -}}
{{- $list = append $list (list "metrics" .Values.metrics.token.secret (dict .Values.metrics.token.key "token")) -}}
{{- end -}}
{{- toJson $list -}}
{{- end -}}

{{- define "wardline.volumes" -}}
{{- range (include "wardline.secrets" . | fromJsonArray) }}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 }}
    defaultMode: 0440
    items:
      {{- range $key, $path := index . 2 }}
      - key: {{ $key }}
        path: {{ $path }}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "wardline.volumeMounts" -}}
{{- range (include "wardline.secrets" . | fromJsonArray) }}
- name: {{ index . 0 }}
  mountPath: /run/secrets/{{ index . 0 }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "wardline.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "wardline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What each stage reads; the contract, not a choice. A test holds it against the code. */}}
{{- define "wardline.inputTopics" -}}
normalize: feed.events
classify: events.normalized
comment-risk: events.classified
enforce: events.assessed
{{- end -}}
