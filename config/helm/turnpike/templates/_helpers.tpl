{{- define "turnpike.selectorLabels" -}}
app.kubernetes.io/name: turnpike
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "turnpike.labels" -}}
{{ include "turnpike.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "turnpike.secretName" -}}
{{ .Values.existingSecret | default .Release.Name }}
{{- end -}}

{{- define "turnpike.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "turnpike.checks" -}}
{{- if eq .Values.mode "standalone" }}
{{- if gt (int .Values.replicas) 1 }}
{{- if regexMatch "(?m)^store: *.?(sqlite:|memory)" .Values.config }}
{{- fail "several replicas cannot share this `store`: each would serve the same payment. Take a PostgreSQL for `store` in `config`, or `replicas: 1`" }}
{{- end }}
{{- if not (regexMatch "(?m)^store:" .Values.config) }}
{{- fail "several replicas need a `store` in `config` that they share: a PostgreSQL, or `replicas: 1`" }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "an HTTPRoute belongs to a Gateway: name it in `httpRoute.parentRefs`, such as [{name: public, namespace: gateways}]" }}
{{- end }}
{{- if not (regexMatch "(?m)^admin: *.?(0[.]0[.]0[.]0|.::.):9402" .Values.config) }}
{{- fail "the probes of Kubernetes do not reach the admin listener: write `admin: 0.0.0.0:9402` into `config`; the NetworkPolicy closes it to others" }}
{{- end }}
{{- end -}}

{{- define "turnpike.container" -}}
- name: gateway
  image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  {{- if eq .Values.mode "sidecar" }}
  # A native sidecar: it is ready before the API starts, and ends after it.
  restartPolicy: Always
  {{- end }}
  args: [start, -c, /etc/turnpike/gateway.yaml]
  {{- with .Values.env }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.envFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: http
      containerPort: 8402
    - name: admin
      containerPort: 9402
  startupProbe:
    httpGet: { path: /livez, port: admin }
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet: { path: /livez, port: admin }
    periodSeconds: 10
    timeoutSeconds: 3
    failureThreshold: 6
  readinessProbe:
    httpGet: { path: /readyz, port: admin }
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 2
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    {{- include "turnpike.containerSecurity" . | nindent 4 }}
  volumeMounts:
    # Folders, not `subPath`: a file mounted by subPath never changes again.
    - { name: price-table, mountPath: /etc/turnpike, readOnly: true }
    - { name: secrets, mountPath: /run/secrets/turnpike, readOnly: true }
    {{- if eq .Values.mode "sidecar" }}
    - { name: ledger, mountPath: /var/lib/turnpike }
    {{- end }}
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "turnpike.pod" -}}
metadata:
  labels:
    {{- include "turnpike.selectorLabels" . | nindent 4 }}
  annotations:
    # Keys that a reload cannot change: with another value the pods are replaced. What can be reloaded, is.
    turnpike/restart: {{ pick (fromYaml .Values.config) "listen" "admin" "adminHosts" "authz" "keepAliveTimeout" "workers" "store" "tracing" | toYaml | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- if eq .Values.mode "sidecar" }}
  initContainers:
    {{- include "turnpike.container" . | nindent 4 }}
  containers:
    - lifecycle:
        preStop:
          # The gateway is told to stop after the API has: meanwhile the API goes on serving what is in flight.
          sleep: { seconds: {{ .Values.api.preStopSeconds }} }
      {{- if not .Values.api.container.securityContext }}
      securityContext:
        {{- include "turnpike.containerSecurity" . | nindent 8 }}
      {{- end }}
      {{- toYaml .Values.api.container | nindent 6 }}
  {{- else }}
  containers:
    {{- include "turnpike.container" . | nindent 4 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "turnpike.selectorLabels" . | nindent 10 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumes:
    - name: price-table
      configMap: { name: {{ .Release.Name }} }
    - name: secrets
      secret: { secretName: {{ include "turnpike.secretName" . }}, defaultMode: 288 } # 0440
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
