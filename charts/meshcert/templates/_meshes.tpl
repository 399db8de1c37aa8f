{{- define "meshcert.meshName" -}}
{{- $name := dig "metadata" "name" .name . -}}
{{- required "meshes: one of them has no name" $name -}}
{{- end -}}

{{/*
The meshes that have a CA for a signer to hold, as JSON: a list of name, document, made (Secrets that the signer makes), and
read (Secrets that it is given).
*/}}
{{- define "meshcert.signedMeshes" -}}
{{- $found := list -}}
{{- range $mesh := .Values.meshes -}}
  {{- $name := include "meshcert.meshName" $mesh -}}
  {{- $made := list -}}
  {{- $read := list -}}
  {{- $isSigned := false -}}
  {{- range $backend := dig "spec" "mtls" "backends" (dig "mtls" "backends" list $mesh) $mesh -}}
    {{- if eq .type "builtin" -}}
      {{- $isSigned = true -}}
      {{- $made = concat $made (list (printf "%s.ca-builtin-cert-%s" $name .name) (printf "%s.ca-builtin-key-%s" $name .name)) -}}
    {{- else if eq .type "provided" -}}
      {{- $isSigned = true -}}
      {{- range $source := list (dig "conf" "cert" "secret" "" $backend) (dig "conf" "key" "secret" "" $backend) -}}
        {{- if $source -}}{{- $read = append $read $source -}}{{- end -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- if $isSigned -}}
    {{- $found = append $found (dict "name" $name "document" $mesh "made" $made "read" (uniq $read)) -}}
  {{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* Mistakes that the schema cannot see. */}}
{{- define "meshcert.requireSense" -}}
{{- if not .Values.meshes -}}
{{- fail "meshes is empty: give at least one Mesh document (docs/helm.md)" -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.meshes -}}
{{- $name := include "meshcert.meshName" . -}}
{{- if has $name $names -}}
{{- fail (printf "meshes: two of them have the name %q" $name) -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- $signed := include "meshcert.signedMeshes" . | fromJsonArray -}}
{{- if and .Values.signer.enabled (not $signed) -}}
{{- fail "signer.enabled is true, and no backend of meshes is of type builtin or provided: there is nothing for it to sign with" -}}
{{- end -}}
{{- range $signed -}}
{{- if and .made (not $.Values.signer.enabled) (not $.Values.agent.signer) -}}
{{- fail (printf "the mesh %q has a builtin backend, whose key no pod should hold: set signer.enabled to true, or agent.signer to where yours is" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Agent document that all pods have in common. */}}
{{- define "meshcert.agent" -}}
{{- $agent := deepCopy .Values.agent -}}
{{- $_ := set $agent "type" "Agent" -}}
{{- if and .Values.signer.enabled (not (hasKey $agent "signer")) -}}
{{- $_ := set $agent "signer" (dict "namespace" .Release.Namespace) -}}
{{- end -}}
{{- toYaml $agent -}}
{{- end -}}
