const EXTENSIONS = 'type.googleapis.com/envoy.extensions';

/** The configuration of one of Envoy's extensions. @param type below `envoy.extensions`. */
export function typed(type: string, fields: object = {}): object {
  return { '@type': `${EXTENSIONS}.${type}`, ...fields };
}
