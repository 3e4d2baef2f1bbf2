/** What ajv says is wrong, with the way to the field; from `at` on, where what was checked is a part of something. */
export function describeSchemaError(error: { instancePath: string; message?: string; params: Record<string, unknown> } | undefined, at = ''): string {
  const path = [at, ...(error?.instancePath ?? '').split('/')].filter((step) => step !== '').join('.');
  const where = path === '' ? 'it' : path;
  const extra = error?.params['additionalProperty'];
  return extra === undefined ? `${where} ${error?.message ?? 'is invalid'}` : `${where} has an unknown field “${String(extra)}”`;
}
