#!/bin/sh
# spdx.sh NMQD_VERSION CREATED LINKED: prints which Debian packages this system holds, and nmqd with those that are linked
# into it, as SPDX 2.3 in JSON. CREATED is a time such as 2026-11-23T22:48:49Z, LINKED a file that linked_packages.sh wrote.
set -eu

version=$1
created=$2
linked=$3

held() { dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\n'; }

# packages_of KIND: lines of held as packages. Debian's versions and names hold no character that JSON would escape, and
# SPDX ids only letters, digits, "." and "-".
packages_of() {
  awk -F '\t' -v kind="$1" '{
    id = $1; gsub(/\+/, "-plus-", id)
    url_version = $2; gsub(/\+/, "%2B", url_version); gsub(/:/, "%3A", url_version); gsub(/~/, "~", url_version)
    url_name = $1; gsub(/\+/, "%2B", url_name)
    printf ",\n    {\"SPDXID\": \"SPDXRef-%s-%s\", \"name\": \"%s\", \"versionInfo\": \"%s\", ", kind, id, $1, $2
    printf "\"supplier\": \"Organization: Debian\", \"sourceInfo\": \"built from the source package %s\", ", $4
    printf "\"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false, "
    printf "\"licenseConcluded\": \"NOASSERTION\", \"licenseDeclared\": \"NOASSERTION\", \"copyrightText\": \"NOASSERTION\", "
    printf "\"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\", "
    printf "\"referenceLocator\": \"pkg:deb/debian/%s@%s?arch=%s\"}]}", url_name, url_version, $3
  }'
}

# relationships_of ELEMENT TYPE KIND: that of ELEMENT to each.
relationships_of() {
  awk -F '\t' -v element="$1" -v type="$2" -v kind="$3" '{
    id = $1; gsub(/\+/, "-plus-", id)
    printf ",\n    {\"spdxElementId\": \"SPDXRef-%s\", \"relationshipType\": \"%s\", ", element, type
    printf "\"relatedSpdxElement\": \"SPDXRef-%s-%s\"}", kind, id
  }'
}

packages=$(held | packages_of deb && packages_of linked <"$linked")
relationships=$(held | relationships_of image CONTAINS deb && relationships_of nmqd STATIC_LINK linked <"$linked")
digest=$(sha256sum /usr/local/bin/nmqd | cut -d ' ' -f 1)
common='"downloadLocation": "NOASSERTION", "filesAnalyzed": false, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION"'

cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "nmqd-$version",
  "documentNamespace": "https://spdx.org/spdxdocs/nmqd-$version-$digest",
  "creationInfo": {"created": "$created", "creators": ["Tool: nmq-deploy-container-spdx"]},
  "packages": [
    {"SPDXID": "SPDXRef-image", "name": "nmqd-image", "versionInfo": "$version", "primaryPackagePurpose": "CONTAINER", $common},
    {"SPDXID": "SPDXRef-nmqd", "name": "nmqd", "versionInfo": "$version", "primaryPackagePurpose": "APPLICATION", "checksums": [{"algorithm": "SHA256", "checksumValue": "$digest"}], $common}$packages
  ],
  "relationships": [
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"},
    {"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS", "relatedSpdxElement": "SPDXRef-nmqd"}$relationships
  ]
}
END
