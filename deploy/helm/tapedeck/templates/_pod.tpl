{{/* The metadata of a service's pods. Of: (list $ NAME VALUES ANNOTATIONS), where annotations in VALUES win over the last. */}}
{{- define "tapedeck.podMetadata" -}}
{{- $its := index . 2 -}}
labels:
  {{- merge (dict "app.kubernetes.io/name" (index . 1) "app.kubernetes.io/part-of" "tapedeck") $its.labels | toYaml | nindent 2 }}
annotations:
  checksum/settings: {{ include "tapedeck.checksum" (index . 0) }}
  {{- with merge (deepCopy $its.annotations) (index . 3) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What the specs of all pods have in common. Of: (list $ VALUES), VALUES being the service's. */}}
{{- define "tapedeck.pod" -}}
{{- $root := index . 0 -}}
{{- $its := index . 1 -}}
serviceAccountName: {{ $root.Values.serviceAccount.name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  # Do not change the owner of every file at each start: a store may have many tapes.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $its $field }}
{{ $field }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the containers of all pods have in common. Of: (list $ VALUES). */}}
{{- define "tapedeck.container" -}}
{{- $root := index . 0 -}}
{{- $its := index . 1 -}}
image: {{ include "tapedeck.image" (list $root $its.image) }}
{{- with $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
envFrom:
  - configMapRef: { name: settings }
  {{- $secrets := include "tapedeck.secrets" $root | fromYaml }}
  {{- range $secret := list "authentication" "s3" }}
  {{- with index $secrets $secret }}
  - secretRef: { name: {{ .name }}{{ if .optional }}, optional: true{{ end }} }
  {{- end }}
  {{- end }}
resources:
  {{- toYaml $its.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* The address of Redis, with the user that has the rights of this service alone. Of: (list $ KEY), a key of the secret. */}}
{{- define "tapedeck.redis" -}}
- { name: REDIS_URL, valueFrom: { secretKeyRef: { name: {{ (index . 0).Values.redis.existingSecret | default "redis" }}, key: {{ index . 1 }} } } }
{{- end }}

{{/* Of: (list $ IMAGE), IMAGE being a service's. A digest says more than a tag, so it wins. */}}
{{- define "tapedeck.image" -}}
{{- $all := (index . 0).Values.image -}}
{{- $its := index . 1 -}}
{{- with $all.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $its.repository }}
{{- if $its.digest }}@{{ $its.digest }}{{ else }}:{{ $its.tag | default $all.tag | default (index . 0).Chart.AppVersion }}{{ end }}
{{- end }}

{{/* Where a folder of tapes is mounted, and the volume that it is on; nothing where the tapes are in a bucket. */}}
{{- define "tapedeck.mounts" -}}
{{- if eq .Values.store.kind "folder" -}}
- { name: tapes, mountPath: /tapes }
{{- end }}
{{- end }}

{{- define "tapedeck.volumes" -}}
{{- if eq .Values.store.kind "folder" -}}
- name: tapes
  persistentVolumeClaim: { claimName: {{ .Values.store.folder.existingClaim | default "tapes" }} }
{{- end }}
{{- end }}
