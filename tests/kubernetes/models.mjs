// What the published schema of its exact API group and version says of a manifest: missing required fields, wrong types and
// values out of an enumeration. It passes unknown fields (see strict_walk.mjs).
export async function schemaProblems(manifest) {
  let group;
  try {
    group = await import(`kubernetes-models/${manifest.apiVersion}`);
  } catch {
    return [`there is no API version ${manifest.apiVersion}`];
  }
  const Model = group[manifest.kind];
  if (!Model) return [`there is no ${manifest.apiVersion} ${manifest.kind}`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}
