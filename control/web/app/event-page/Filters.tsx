import { useWords } from '../shell/words';
import { Field } from '../ui/Field';
import { FieldsForm } from './FieldsForm';
import { type EventDetails } from './event';
import { linesOf, wrongLines } from './fields';
import styles from './event-page.module.css';

const lists = [
  'allowAddresses',
  'denyAddresses',
  'allowCountries',
  'denyCountries',
  'allowDomains',
  'denyDomains',
] as const;
type Values = Record<(typeof lists)[number], string>;

function valuesOf({ filters }: EventDetails): Values {
  return {
    allowAddresses: filters.allowAddresses.join('\n'),
    denyAddresses: filters.denyAddresses.join('\n'),
    allowCountries: (filters.allowCountries ?? []).join('\n'),
    denyCountries: (filters.denyCountries ?? []).join('\n'),
    allowDomains: filters.allowDomains.join('\n'),
    denyDomains: filters.denyDomains.join('\n'),
  };
}

/** What stands in a list, by the end of its name. */
function kindOf(name: (typeof lists)[number]): 'addresses' | 'countries' | 'domains' {
  if (name.endsWith('Addresses')) return 'addresses';
  return name.endsWith('Countries') ? 'countries' : 'domains';
}

/** Who may come, by where they come from: six lists, a line each. */
export function Filters() {
  const { t } = useWords();
  const nameOf = (name: (typeof lists)[number], pointers: readonly string[]) => {
    const wrong = wrongLines(pointers, `filters/${name}`);
    return {
      label: t(`filter.${name}`),
      wrong:
        wrong.length > 0 ? t(`filter.${kindOf(name)}.wrong`, { lines: wrong.join(', ') }) : t('filter.many'),
    };
  };
  return (
    <section className={styles['section']} aria-labelledby="filters">
      <div>
        <h2 id="filters">{t('filter.title')}</h2>
        <p className="muted">{t('filter.lead')}</p>
      </div>
      <FieldsForm
        valuesOf={valuesOf}
        fieldsOf={typed => ({
          filters: {
            allowAddresses: linesOf(typed.allowAddresses),
            denyAddresses: linesOf(typed.denyAddresses),
            allowCountries: linesOf(typed.allowCountries),
            denyCountries: linesOf(typed.denyCountries),
            allowDomains: linesOf(typed.allowDomains),
            denyDomains: linesOf(typed.denyDomains),
          },
        })}
        act={t('filter.save')}
        places={{ filters: undefined }}
        names={pointers => ({
          allowAddresses: nameOf('allowAddresses', pointers),
          denyAddresses: nameOf('denyAddresses', pointers),
          allowCountries: nameOf('allowCountries', pointers),
          denyCountries: nameOf('denyCountries', pointers),
          allowDomains: nameOf('allowDomains', pointers),
          denyDomains: nameOf('denyDomains', pointers),
        })}
      >
        {control => (
          <div className={styles['pair']}>
            {lists.map(name => (
              <Field
                key={name}
                control={control}
                name={name}
                label={t(`filter.${name}`)}
                hint={t(`filter.${name}.hint`)}
                lines={3}
                autoComplete="off"
              />
            ))}
          </div>
        )}
      </FieldsForm>
    </section>
  );
}
