/** API keys and roles without the rest of this library: for the command line, which starts no service. */
export { hashKey, keyText, parseKeys, SECRET_BYTES, type KeyRecord } from './auth/api-keys.js';
export { readKeysFile } from './auth/key-ring.js';
export { isRole, ROLES, type Role } from './auth/roles.js';
