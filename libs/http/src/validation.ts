import { ValidationPipe, type ArgumentMetadata, type ValidationError } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { getMetadataStorage, IS_OPTIONAL } from 'class-validator';

/** Checks DTOs with class-validator; of every field the failure that was declared first becomes part of the reason. What `@IsOptional` lets be null is absent. */
class DtoPipe extends ValidationPipe {
  constructor() {
    super({ transform: true, whitelist: true, forbidNonWhitelisted: true, exceptionFactory: (errors) => new ContractError('invalid_request', errors.flatMap((error) => reasons(error)).join('; ')) });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const checked: unknown = await super.transform(value, metadata);
    dropNulls(checked);
    return checked;
  }
}

export const validationPipe = (): ValidationPipe => new DtoPipe();

/** `@IsOptional` skips all checks of a null, which no code behind expects: many clients write null for what they leave out. */
function dropNulls(dto: unknown): void {
  if (Array.isArray(dto)) return dto.forEach(dropNulls);
  if (typeof dto !== 'object' || dto === null || dto.constructor === Object) return;
  const fields = dto as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (value === null && optionalFields(dto.constructor).has(name)) delete fields[name];
    else dropNulls(value);
  }
}

const known = new WeakMap<object, ReadonlySet<string>>();

function optionalFields(dto: object): ReadonlySet<string> {
  let names = known.get(dto);
  if (names === undefined) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(dto as never, '', false, false);
    names = new Set(metadata.filter(({ name }) => name === IS_OPTIONAL).map(({ propertyName }) => propertyName));
    known.set(dto, names);
  }
  return names;
}

function reasons(error: ValidationError, path = ''): string[] {
  // class-validator lists them from the last decorator to the first; the first is the type, and what has the wrong type need not hear of its length.
  const own = Object.values(error.constraints ?? {}).at(-1);
  const children = (error.children ?? []).flatMap((child) => reasons(child, `${path}${error.property}.`));
  return own === undefined ? children : [`${path}${own}`, ...children];
}
