interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Record<string, unknown>;
}

/** What ajv says is wrong, with the way to the field; from `at` on, where what was checked is a part of something. Of a choice it names all that may be chosen. */
export function describeSchemaErrors(errors: readonly SchemaError[] | null | undefined, at = ''): string {
  const error = errors?.[0];
  const choices = (errors ?? []).filter(({ keyword, instancePath }) => keyword === 'const' && instancePath === error?.instancePath).map(({ params }) => String(params['allowedValue']));
  return describeSchemaError(error?.keyword === 'const' && choices.length > 1 ? { ...error, message: `must be one of ${choices.join(', ')}` } : error, at);
}

/** What ajv says is wrong, with the way to the field; from `at` on, where what was checked is a part of something. */
export function describeSchemaError(error: { instancePath: string; message?: string; params: Record<string, unknown> } | undefined, at = ''): string {
  const path = [at, ...(error?.instancePath ?? '').split('/')].filter((step) => step !== '').join('.');
  const where = path === '' ? 'it' : path;
  const extra = error?.params['additionalProperty'];
  return extra === undefined ? `${where} ${error?.message ?? 'is invalid'}` : `${where} has an unknown field “${String(extra)}”`;
}
