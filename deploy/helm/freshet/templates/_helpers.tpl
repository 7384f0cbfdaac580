{{/* Names: RELEASE-control, RELEASE-GROUP; a release named freshet in a namespace of its own is the usual case. */}}
{{- define "freshet.labels" -}}
app.kubernetes.io/name: freshet
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "freshet.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{/* Where a pod that has not joined yet finds control. */}}
{{- define "freshet.join" -}}
{{- if .Values.join }}{{ join "," .Values.join }}
{{- else if .Values.control.replicas }}{{ .Release.Name }}-control-nodes.{{ .Release.Namespace }}.svc:8081
{{- else }}{{ fail "join: a release without control nodes needs those of elsewhere" }}
{{- end }}
{{- end }}

{{/* What holds for every pod. Files of the data directory are their owner's alone, and Freshet refuses others: by
     OnRootMismatch Kubernetes leaves their modes as they are. */}}
{{- define "freshet.pod" -}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 75 # a node has 60 s to move away what it has
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.pullSecrets }}
imagePullSecrets: {{ range . }}
  - name: {{ . }}{{ end }}
{{- end }}
{{- end }}

{{- define "freshet.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "freshet.env" -}}
- { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
- { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
- { name: HOST_IP, valueFrom: { fieldRef: { fieldPath: status.hostIP } } }
{{- with .Values.traces }}{{ if .endpoint }}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
- { name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio }
- { name: OTEL_TRACES_SAMPLER_ARG, value: {{ .keep | quote }} }
{{- end }}{{ end }}
{{- end }}

{{/* The scheme is that by which the pod speaks. */}}
{{- define "freshet.probes" -}}
startupProbe: { httpGet: { path: /healthz, port: http, scheme: {{ . }} }, periodSeconds: 2, failureThreshold: 150 } # tables may have to change
livenessProbe: { httpGet: { path: /healthz, port: http, scheme: {{ . }} }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }
readinessProbe: { httpGet: { path: /readyz, port: http, scheme: {{ . }} }, periodSeconds: 2, timeoutSeconds: 2 }
{{- end }}

{{/* Ends once the pod has an identity or may get one; .begin is what to run to begin a cluster, empty for nothing. */}}
{{- define "freshet.enter" -}}
- name: enter
  {{- include "freshet.image" .root | nindent 2 }}
  command: [sh, -euc]
  args:
    - |
      [ ! -e /data/freshet/node.pem ] && [ ! -e "/tokens/$POD_NAME" ] || exit 0
      {{- with .begin }}
      {{ . }}
      {{- end }}
      for _ in $(seq 60); do
        [ ! -e "/tokens/$POD_NAME" ] || exit 0
        echo "Secret {{ .root.Values.tokens }} has no token for $POD_NAME yet"
        sleep 5
      done
      exit 1
  env: {{- include "freshet.env" .root | nindent 4 }}
  {{- include "freshet.container" .root | nindent 2 }}
  volumeMounts:
    - { name: data, mountPath: /data }
    - { name: tokens, mountPath: /tokens, readOnly: true }
{{- end }}

{{- define "freshet.claim" -}}
metadata: { name: data }
spec:
  accessModes: [ReadWriteOnce]
  {{- with .class }}
  storageClassName: {{ . }}
  {{- end }}
  resources: { requests: { storage: {{ .size }} } }
{{- end }}
