{{/* The template of a pod. Takes (list $ <component>). */}}
{{- define "notion-mirror.pod" -}}
{{- $root := index . 0 }}
{{- $component := index . 1 }}
{{- $settings := include "notion-mirror.settings" . | fromYaml }}
{{- $isService := hasKey $component "opsPort" -}}
metadata:
  # Not the chart's version: a pod is not replaced for it.
  labels:
    {{- toYaml $component.selector | nindent 4 }}
    {{- with $component.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $component.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  # A Service called mirror-ops would otherwise set MIRROR_OPS_PORT to an address.
  enableServiceLinks: false
  automountServiceAccountToken: false
  {{- with $component.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $component.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if $isService }}
  terminationGracePeriodSeconds: {{ if kindIs "invalid" $component.terminationGracePeriodSeconds }}{{ include "notion-mirror.grace" . }}{{ else }}{{ $component.terminationGracePeriodSeconds }}{{ end }}
  {{- else }}
  # `sleep` does not end by itself, and `mirror` can be run again.
  terminationGracePeriodSeconds: {{ default 1 $component.terminationGracePeriodSeconds }}
  {{- end }}
  {{- with $component.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $component.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $component.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $component.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $component.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and $isService $component.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range $component.topologySpreadConstraints }}
    - {{ merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" $component.selector)) | toYaml | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  {{- if eq $component.name "init" }}
  restartPolicy: Never
  {{- end }}
  {{- with $component.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ $component.name }}
      image: {{ include "notion-mirror.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command:
        {{- toYaml $component.command | nindent 8 }}
      env:
        {{- toYaml $settings.env | nindent 8 }}
      {{- with $component.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if $isService }}
      ports:
        {{- with get (dict "ingress" 3000 "console" 3200) $component.name }}
        - name: http
          containerPort: {{ . }}
        {{- end }}
        - name: ops
          containerPort: {{ $component.opsPort }}
      {{- range $probe, $path := dict "startupProbe" "/livez" "livenessProbe" "/livez" "readinessProbe" "/readyz" }}
      {{ $probe }}:
        httpGet:
          path: {{ $path }}
          port: ops
        {{- with get $component $probe }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- end }}
      {{- end }}
      {{- if $component.preStopSeconds }}
      # Endpoints still point here when SIGTERM comes: go on serving until they no longer do.
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $component.preStopSeconds }}
      {{- end }}
      {{- with $component.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $component.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if or $settings.files $component.extraVolumeMounts }}
      volumeMounts:
        {{- if $settings.files }}
        - name: settings
          mountPath: {{ $settings.folder }}
          readOnly: true
        {{- end }}
        {{- with $component.extraVolumeMounts }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- end }}
    {{- with $component.extraContainers }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- if or $settings.files $component.extraVolumes }}
  volumes:
    {{- if $settings.files }}
    - name: settings
      projected:
        defaultMode: 0440
        sources:
          {{- range $settings.files }}
          - secret:
              name: {{ .secret }}
              items:
                - key: {{ .key | quote }}
                  path: {{ .path }}
          {{- end }}
    {{- end }}
    {{- with $component.extraVolumes }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- end }}
{{- end }}

{{/* Seconds that a service may take to stop: it exits by itself after MIRROR_SHUTDOWN_SECONDS. */}}
{{- define "notion-mirror.grace" -}}
{{- $shutdown := include "notion-mirror.setting" (list (index . 0) (index . 1) "MIRROR_SHUTDOWN_SECONDS") | float64 | ceil | int }}
{{- add (default 0 (index . 1).preStopSeconds) $shutdown 4 }}
{{- end }}
