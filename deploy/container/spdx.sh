#!/bin/sh
# spdx.sh NMQD_VERSION CREATED: prints which Debian packages this system holds, and nmqd, as SPDX 2.3 in JSON. CREATED
# is a time such as 2026-11-23T22:48:49Z.
set -eu

version=$1
created=$2

# Debian's versions and names hold no character that JSON would escape, and SPDX ids only letters, digits, "." and "-".
packages=$(dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\n' | awk -F '\t' '{
  id = $1; gsub(/\+/, "-plus-", id)
  url_version = $2; gsub(/\+/, "%2B", url_version); gsub(/:/, "%3A", url_version); gsub(/~/, "~", url_version)
  url_name = $1; gsub(/\+/, "%2B", url_name)
  printf ",\n    {\"SPDXID\": \"SPDXRef-deb-%s\", \"name\": \"%s\", \"versionInfo\": \"%s\", ", id, $1, $2
  printf "\"supplier\": \"Organization: Debian\", \"sourceInfo\": \"built from the source package %s\", ", $4
  printf "\"downloadLocation\": \"NOASSERTION\", \"filesAnalyzed\": false, "
  printf "\"licenseConcluded\": \"NOASSERTION\", \"licenseDeclared\": \"NOASSERTION\", \"copyrightText\": \"NOASSERTION\", "
  printf "\"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\", "
  printf "\"referenceLocator\": \"pkg:deb/debian/%s@%s?arch=%s\"}]}", url_name, url_version, $3
}')
relationships=$(dpkg-query -W -f '${Package}\n' | awk '{
  gsub(/\+/, "-plus-")
  printf ",\n    {\"spdxElementId\": \"SPDXRef-image\", \"relationshipType\": \"CONTAINS\", "
  printf "\"relatedSpdxElement\": \"SPDXRef-deb-%s\"}", $0
}')
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
