{{/* The beginning of the names of all objects. The longest is that of a Service, which may have 63 characters. */}}
{{- define "meshcert.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains "meshcert" .Release.Name -}}
{{ .Release.Name | trunc 54 | trimSuffix "-" }}
{{- else -}}
{{ .Release.Name | trunc 45 | trimSuffix "-" }}-meshcert
{{- end -}}
{{- end -}}

{{- define "meshcert.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{ include "meshcert.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: meshcert
{{- end -}}

{{/* Never changes: the selector of a Deployment cannot. */}}
{{- define "meshcert.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "meshcert.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "image.repository is not set: name the image of meshcert that you built, with its registry (docs/image.md)" $image.repository -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Namespaces that are left alone, YAML. */}}
{{- define "meshcert.excludedNamespaces" -}}
{{- concat (list "kube-system" .Release.Namespace) .Values.webhook.excludedNamespaces | uniq | toYaml -}}
{{- end -}}

{{/* Whether `helm test` can do its work: with native sidecars, in a namespace that is not left alone. Empty: no. */}}
{{- define "meshcert.isTestable" -}}
{{- $isNative := semverCompare ">=1.29-0" .Capabilities.KubeVersion.Version -}}
{{- $isExcluded := has .Values.test.namespace (include "meshcert.excludedNamespaces" . | fromYamlArray) -}}
{{- if and $isNative (not $isExcluded) (ne .Values.webhook.sidecar "container") -}}yes{{- end -}}
{{- end -}}
