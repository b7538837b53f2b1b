{{- define "nmq.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "nmq.fullname" -}}
{{- $name := include "nmq.name" . }}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $release .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "nmq.selector" -}}
app.kubernetes.io/name: {{ include "nmq.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "nmq.labels" -}}
{{ include "nmq.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "nmq.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}
{{- else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Refuses what nmqd would refuse when it starts. */}}
{{- define "nmq.secured" -}}
{{- if and .Values.tls.clientCa (not .Values.tls.secret) }}
{{- fail "tls.clientCa needs tls.secret, which has the CA in ca.crt" }}
{{- end }}
{{- $asked := or .Values.access.secret .Values.tls.clientCa }}
{{- if not (or .Values.insecureListen (and .Values.tls.secret $asked)) }}
{{- fail "name tls.secret, and access.secret or tls.clientCa (deploy/README.md says how), or set insecureListen=true to serve in plain text whoever the network policy lets in" }}
{{- end }}
{{- end }}

{{- define "nmq.appProtocol" -}}
{{ ternary "https" "kubernetes.io/h2c" (ne .Values.tls.secret "") }}
{{- end }}

{{- /* The probe of a service; Kubernetes' own probes of gRPC know no TLS. */}}
{{- define "nmq.probe" -}}
{{- if .tls -}}
exec:
  command:
    - /usr/local/bin/nmqd
    - --health_check
    {{- with .service }}
    - --health_check_service={{ . }}
    {{- end }}
{{- else -}}
grpc:
  port: 50051
  {{- with .service }}
  service: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
