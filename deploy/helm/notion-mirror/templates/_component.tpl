{{/*
A component: its settings over `defaults`, and what it is called. Takes (list $ <key in values>), gives YAML.
`reads` is its name in files/variables.json, which says which variables it gets.
*/}}
{{- define "notion-mirror.component" -}}
{{- $root := index . 0 }}
{{- $key := index . 1 }}
{{- $kinds := dict
  "ingress" (dict "name" "ingress" "reads" "ingress" "opsPort" 3100)
  "syncWorker" (dict "name" "sync-worker" "reads" "sync-worker" "opsPort" 3101)
  "deleteWorker" (dict "name" "delete-worker" "reads" "delete-worker" "opsPort" 3102)
  "console" (dict "name" "console" "reads" "console" "opsPort" 3103)
  "init" (dict "name" "init" "reads" "cli")
  "cli" (dict "name" "cli" "reads" "cli") }}
{{- $merged := deepCopy $root.Values.defaults }}
{{- range $name, $value := index $root.Values $key }}
{{- $_ := set $merged $name $value }}
{{- end }}
{{- $kind := get $kinds $key }}
{{- range $name, $value := $kind }}
{{- $_ := set $merged $name $value }}
{{- end }}
{{- $_ := set $merged "fullname" (printf "%s-%s" (include "notion-mirror.fullname" $root) $kind.name) }}
{{- $_ := set $merged "selector" (merge (dict "app.kubernetes.io/component" $kind.name) (include "notion-mirror.selector" $root | fromYaml)) }}
{{- toYaml $merged }}
{{- end }}

{{/* The value of a setting as a process reads it: a large number without an exponent. */}}
{{- define "notion-mirror.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* A setting of a component, with its default. Takes (list $ <component> <variable>). */}}
{{- define "notion-mirror.setting" -}}
{{- $root := index . 0 }}
{{- $config := mustMergeOverwrite (deepCopy $root.Values.config) (deepCopy (default dict (index . 1).config)) }}
{{- $variables := $root.Files.Get "files/variables.json" | fromJson }}
{{- $given := get $config (index . 2) }}
{{- if eq (toString $given) "" }}{{ (get $variables (index . 2)).default }}{{ else }}{{ include "notion-mirror.text" $given }}{{ end }}
{{- end }}

{{/*
Where a component's settings come from: `env`, and the files (`path`, `secret`, `key`) that it needs. Takes (list $ <component>), gives YAML.
*/}}
{{- define "notion-mirror.settings" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $folder := "/etc/notion-mirror" }}
{{- $variables := $root.Files.Get "files/variables.json" | fromJson }}
{{- $env := list }}
{{- $files := list }}
{{- $config := mustMergeOverwrite (deepCopy $root.Values.config) (deepCopy (default dict $component.config)) }}
{{- $secrets := mustMergeOverwrite (deepCopy $root.Values.secrets) (deepCopy (default dict $component.secrets)) }}
{{- $strimzi := mustMergeOverwrite (deepCopy $root.Values.strimzi) (deepCopy (default dict $component.strimzi)) }}
{{- if $component.opsPort }}
{{- $env = append $env (dict "name" "MIRROR_OPS_PORT" "value" (toString $component.opsPort)) }}
{{- if not (hasKey $config "MIRROR_OPS_HOST") }}{{ $_ := set $config "MIRROR_OPS_HOST" "0.0.0.0" }}{{ end }}
{{- end }}
{{- if eq $component.name "ingress" }}
{{- $env = append $env (dict "name" "MIRROR_HTTP_PORT" "value" "3000") }}
{{- end }}
{{- if eq $component.name "console" }}
{{- $env = concat $env (list (dict "name" "MIRROR_CONSOLE_HOST" "value" "0.0.0.0") (dict "name" "MIRROR_CONSOLE_PORT" "value" "3200")) }}
{{- end }}
{{- if or $strimzi.clusterCaSecret (and $strimzi.userSecret (eq $strimzi.userAuthentication "tls")) }}
{{- $_ := set $config "MIRROR_KAFKA_SSL" "true" }}
{{- end }}
{{- if $strimzi.clusterCaSecret }}
{{- $_ := set $config "MIRROR_KAFKA_SSL_CA_FILE" (printf "%s/kafka-ca.crt" $folder) }}
{{- $files = append $files (dict "path" "kafka-ca.crt" "secret" $strimzi.clusterCaSecret "key" "ca.crt") }}
{{- end }}
{{- if $strimzi.userSecret }}
{{- if eq $strimzi.userAuthentication "tls" }}
{{- $_ := set $config "MIRROR_KAFKA_SSL_CERT_FILE" (printf "%s/kafka-user.crt" $folder) }}
{{- $_ := set $config "MIRROR_KAFKA_SSL_KEY_FILE" (printf "%s/kafka-user.key" $folder) }}
{{- $files = append $files (dict "path" "kafka-user.crt" "secret" $strimzi.userSecret "key" "user.crt") }}
{{- $files = append $files (dict "path" "kafka-user.key" "secret" $strimzi.userSecret "key" "user.key") }}
{{- else }}
{{- $_ := set $config "MIRROR_KAFKA_SASL_MECHANISM" "scram-sha-512" }}
{{- $_ := set $config "MIRROR_KAFKA_SASL_USERNAME" $strimzi.userSecret }}
{{- $_ := set $secrets "MIRROR_KAFKA_SASL_PASSWORD" (dict "name" $strimzi.userSecret "key" "password") }}
{{- end }}
{{- end }}
{{- range $name, $value := $config }}
{{- if and (ne (toString $value) "") (has $component.reads (get $variables $name).usedBy) }}
{{- $env = append $env (dict "name" $name "value" (include "notion-mirror.text" $value)) }}
{{- end }}
{{- end }}
{{- range $name, $source := $secrets }}
{{- if has $component.reads (get $variables $name).usedBy }}
{{- $env = append $env (dict "name" (printf "%s_FILE" $name) "value" (printf "%s/%s" $folder $name)) }}
{{- $secret := default $root.Values.existingSecret $source.name }}
{{- if not $secret }}{{ fail (printf "secrets.%s names no Secret, and existingSecret is empty" $name) }}{{ end }}
{{- $files = append $files (dict "path" $name "secret" $secret "key" (default $name $source.key)) }}
{{- end }}
{{- end }}
{{- toYaml (dict "folder" $folder "env" (concat $env (default list $component.extraEnv)) "files" $files) }}
{{- end }}
