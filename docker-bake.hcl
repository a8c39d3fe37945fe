# All six images. `npm run images` calls this with the version and revision of the working tree; docs/operations.md has more.
variable "VERSION" { default = "dev" }
variable "REVISION" { default = "" }
variable "SOURCE" { default = "" }
variable "CREATED" { default = "" }
# Before the names of images: `registry.example.com/`.
variable "REGISTRY" { default = "" }
# Files for those who are behind a mirror of npm's registry: its settings, and the authorities that its certificate comes from.
variable "NPMRC" { default = "" }
variable "CA_CERTIFICATES" { default = "" }

group "default" { targets = ["image"] }

target "image" {
  matrix = { name = ["api", "gateway", "ticker", "feed", "venue", "cli"] }
  name   = name
  target = name
  tags   = ["${REGISTRY}tapedeck/${name}:${VERSION}", "${REGISTRY}tapedeck/${name}:latest"]
  args   = { VERSION = VERSION, REVISION = REVISION, SOURCE = SOURCE, CREATED = CREATED }
  secret = concat(
    NPMRC == "" ? [] : ["id=npmrc,src=${NPMRC}"],
    CA_CERTIFICATES == "" ? [] : ["id=ca-certificates,src=${CA_CERTIFICATES}"],
  )
}
