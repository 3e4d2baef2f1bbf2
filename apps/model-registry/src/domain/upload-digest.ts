export { uploadDigest, type UploadIdentity } from '@throughline/contracts';
