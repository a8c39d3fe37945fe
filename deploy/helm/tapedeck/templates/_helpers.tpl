{{/* What an object is called and belongs to. Of: (list $ NAME). Names are those of k8s/, so a namespace holds one release. */}}
{{- define "tapedeck.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  app.kubernetes.io/part-of: tapedeck
  app.kubernetes.io/instance: {{ $root.Release.Name }}
  app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* A service's values over those that all pods share, as YAML. Of: (list $ NAME). */}}
{{- define "tapedeck.service" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.pods) (deepCopy (index $root.Values (index . 1))) | toYaml }}
{{- end }}

{{/* NAME: "value" for each entry of a map. Numbers as they were written: `quote` alone would make 1e+06 of a million. */}}
{{- define "tapedeck.texts" -}}
{{- range $name, $value := . }}
{{ $name }}: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}

{{/* What all services read alike. */}}
{{- define "tapedeck.settings" -}}
{{- $settings := deepCopy .Values.settings }}
{{- $_ := set $settings "HOST" "0.0.0.0" }}
{{- $_ := set $settings "PORT" .Values.ports.public }}
{{- $_ := set $settings "STATUS_PORT" .Values.ports.status }}
{{- if eq .Values.store.kind "s3" }}
{{- $_ := set $settings "TAPEDECK_STORE" .Values.store.s3.url }}
{{- with .Values.store.s3.region }}{{ $_ := set $settings "AWS_REGION" . }}{{ end }}
{{- with .Values.store.s3.endpoint }}{{ $_ := set $settings "S3_ENDPOINT" . }}{{ end }}
{{- end }}
{{- include "tapedeck.texts" $settings | trim }}
{{- end }}

{{/*
The secrets that pods read, as YAML: `made` holds the keys of one that the chart makes. One without a name and without keys is not
there. Only Redis has to be: pods may have an identity instead of s3, and settings may let anyone in.
*/}}
{{- define "tapedeck.secrets" -}}
{{- $secrets := dict "redis" .Values.redis "authentication" .Values.authentication }}
{{- if eq .Values.store.kind "s3" }}{{ $_ := set $secrets "s3" .Values.store.s3 }}{{ end }}
{{- range $name, $its := $secrets }}
{{- if or $its.existingSecret $its.secret }}
{{ $name }}:
  name: {{ $its.existingSecret | default $name }}
  optional: {{ ne $name "redis" }}
  made: {{ toJson $its.secret }}
{{- end }}
{{- end }}
{{- end }}

{{/* Changes with the settings and with the secrets that the chart makes, and with nothing else. */}}
{{- define "tapedeck.checksum" -}}
{{- print (include "tapedeck.settings" .) (include "tapedeck.secrets" .) | sha256sum }}
{{- end }}

{{/* A selector of services by name. Of: a list of names. */}}
{{- define "tapedeck.selector" -}}
matchExpressions:
  - { key: app.kubernetes.io/name, operator: In, values: {{ toJson . }} }
{{- end }}

{{/* A policy's list of port numbers. */}}
{{- define "tapedeck.ports" -}}
[{{ range $n, $port := . }}{{ if $n }}, {{ end }}{ port: {{ $port }} }{{ end }}]
{{- end }}
